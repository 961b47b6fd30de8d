"""Densities in the plane from files: images, samples and tables, and every way in which such a file can be bad."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fpsolve as fp
from fpsolve.cases import pack, unpack
from fpsolve.io.plane_files import plane_recipe
from fpsolve.io.problem_files import read_problem
from fpsolve.settings import InputError, from_recipe

CORNERS = {"lower": [-1.0, 0.0], "upper": [3.0, 3.0]}


def read(folder: Path, grid=None, **entries):
    """The density of a table of a case file in ``folder``."""
    return from_recipe("plane-density", plane_recipe(entries, folder, grid or {}))


def image(folder: Path, name: str) -> fp.PlaneTabulated:
    return read(folder, kind="image", file=name, **CORNERS)


def refused(folder: Path, grid=None, **entries) -> InputError:
    with pytest.raises(InputError) as caught:
        plane_recipe(entries, folder, grid or {})
    return caught.value


def levels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (6, 8)).astype(np.uint8)


def same(one: fp.PlaneTabulated, other: fp.PlaneTabulated, rtol: float = 0.0) -> None:
    np.testing.assert_allclose(one.averages, other.averages, rtol=rtol, atol=0.0)
    np.testing.assert_array_equal(one.edges_x, other.edges_x)
    np.testing.assert_array_equal(one.edges_y, other.edges_y)


def test_one_bright_pixel():
    """Third row from the top, last column but one: to the right, and below the middle."""
    array = np.zeros((4, 8))
    array[2, 6] = 7.0
    density = fp.from_image(array, [-1.0, 0.0], [3.0, 2.0])
    assert density.support == ((2.0, 2.5), (0.5, 1.0))
    assert density.pdf(2.25, 0.75) == pytest.approx(1 / 0.25)
    np.testing.assert_allclose(density.mean, [2.25, 0.75])
    assert density.finest is None


def test_brightness_is_mass():
    density = fp.from_image([[1, 3], [0, 4]], (0, 0), (2, 2))
    np.testing.assert_allclose(density.cell_masses([0, 1, 2], [0, 1, 2]), [[0.0, 1 / 8], [4 / 8, 3 / 8]])
    same(density, fp.from_image(np.array([[1, 3], [0, 4]]) / 7.0, (0, 0), (2, 2)), rtol=1e-15)


def test_picture_and_array_agree(tmp_path):
    array = levels()
    np.save(tmp_path / "a.npy", array)
    Image.fromarray(array).save(tmp_path / "a.png")
    same(image(tmp_path, "a.png"), image(tmp_path, "a.npy"))
    same(image(tmp_path, "a.npy"), fp.from_image(array, **CORNERS))
    np.save(tmp_path / "turned.npy", np.asfortranarray(array))
    same(image(tmp_path, "turned.npy"), image(tmp_path, "a.npy"))


def test_every_mode_of_a_picture(tmp_path):
    array = levels()
    grey = Image.fromarray(array)
    expected = fp.from_image(array, **CORNERS)
    for mode in ("RGB", "RGBA", "LA"):
        grey.convert(mode).save(tmp_path / f"{mode}.png")
        same(image(tmp_path, f"{mode}.png"), expected, rtol=1e-14)
    Image.fromarray(array.astype(np.uint16) * 256 + 3).save(tmp_path / "deep.png")
    same(image(tmp_path, "deep.png"), fp.from_image(array * 256.0 + 3.0, **CORNERS))
    grey.convert("1", dither=Image.Dither.NONE).save(tmp_path / "bits.png")
    same(image(tmp_path, "bits.png"), fp.from_image(array >= 128, **CORNERS), rtol=1e-15)
    palette = grey.convert("P")
    palette.save(tmp_path / "palette.png")
    same(image(tmp_path, "palette.png"), expected, rtol=1e-14)


def test_colour_is_luminance_and_transparent_is_black(tmp_path):
    colours = np.array([[[255, 0, 0, 255], [0, 255, 0, 255]], [[0, 0, 255, 255], [255, 255, 255, 51]]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "c.png")
    same(image(tmp_path, "c.png"), fp.from_image([[0.299, 0.587], [0.114, 0.2]], **CORNERS), rtol=1e-14)
    clear = Image.fromarray(np.array([[10, 20, 30]], np.uint8))
    clear.save(tmp_path / "clear.png", transparency=20)
    same(image(tmp_path, "clear.png"), fp.from_image([[10, 0, 30]], **CORNERS), rtol=1e-14)


def test_recipes_of_images_are_tables(tmp_path):
    np.save(tmp_path / "a.npy", levels())
    recipe = plane_recipe({"kind": "image", "file": "a.npy", **CORNERS}, tmp_path, {})
    assert recipe["kind"] == "tabulated"
    text, arrays = pack(recipe)
    same(from_recipe("plane-density", unpack(text, arrays)), fp.from_image(levels(), **CORNERS))


def test_a_roll_needs_no_file(tmp_path):
    assert read(tmp_path, kind="swiss-roll", blur=0.1) == fp.SwissRoll(blur=0.1)
    assert read(tmp_path, kind="swiss-roll") == fp.SwissRoll()


def test_samples_of_two_columns(tmp_path):
    xy = np.random.default_rng(2).normal(size=(200, 2))
    np.savez(tmp_path / "xy.npz", xy=xy, other=np.arange(3.0))
    np.save(tmp_path / "xy.npy", xy)
    grid = {"lower": [-6.0, -6.0], "upper": [6.0, 6.0], "cells": [20, 30]}
    for entries in ({"file": "xy.npz", "variable": "xy"}, {"file": "xy.npz"}, {"file": "xy.npy"}):
        density = read(tmp_path, grid, kind="samples", **entries)
        counts = np.histogram2d(*xy.T, bins=(np.linspace(-6, 6, 21), np.linspace(-6, 6, 31)))[0]
        np.testing.assert_allclose(density.cell_masses(density.edges_x, density.edges_y), counts / 200, atol=1e-15)
    smooth = read(tmp_path, kind="samples", file="xy.npy", bandwidth=0.3)
    np.testing.assert_allclose(smooth.mean, xy.mean(axis=0), atol=1e-12)


@pytest.mark.parametrize(
    ("grid", "key"),
    [
        ({"lower": -6.0, "upper": 6.0}, "[grid] lower"),
        ({"lower": [-6.0, -6.0], "upper": [6.0, -7.0]}, "[grid] upper"),
        ({"lower": [-6.0], "upper": [6.0]}, "[grid] lower"),
    ],
)
def test_samples_with_a_bad_window(tmp_path, grid, key):
    np.save(tmp_path / "xy.npy", np.eye(2))
    assert refused(tmp_path, grid, kind="samples", file="xy.npy").key == key


def test_samples_of_another_shape(tmp_path):
    np.savez(tmp_path / "three.npz", xyz=np.ones((5, 3)))
    error = refused(tmp_path, kind="samples", file="three.npz", variable="xyz")
    assert "three.npz" in error.key and "(n, 2)" in error.message


BAD_ARRAYS = {
    "nan": (np.array([[1.0, np.nan]]), "row 0, column 1"),
    "infinite": (np.array([[1.0], [np.inf]]), "row 1, column 0"),
    "negative": (np.array([[1.0, -2.0]]), "given -2"),
    "black": (np.zeros((3, 3)), "black all over"),
    "empty": (np.zeros((0, 3)), ""),
    "line": (np.ones(5), "expected (rows, columns)"),
    "colours": (np.ones((4, 4, 3)), "expected (rows, columns)"),
    "complex": (np.ones((2, 2), complex), "expected numbers"),
    "words": (np.array([["a", "b"]]), "expected numbers"),
    "long": (np.ones((1, 4097), np.uint8), "4097 pixels"),
    "objects": (np.array([[{}, {}]]), "cannot be read"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_bad_arrays(tmp_path, name):
    array, words = BAD_ARRAYS[name]
    np.save(tmp_path / "bad.npy", array)
    error = refused(tmp_path, kind="image", file="bad.npy", **CORNERS)
    assert "bad.npy" in str(error) and words in error.message
    if array.dtype != object:
        with pytest.raises(InputError):
            fp.from_image(array, **CORNERS)


def test_ragged_rows():
    with pytest.raises(InputError, match="array"):
        fp.from_image([[1, 2], [3]], **CORNERS)


@pytest.mark.parametrize("name", ["a.npy", "a.png"])
def test_truncated_files(tmp_path, name):
    array = np.random.default_rng(1).integers(0, 256, (40, 30)).astype(np.uint8)
    np.save(tmp_path / "a.npy", array)
    Image.fromarray(array).save(tmp_path / "a.png")
    whole = (tmp_path / name).read_bytes()
    for length in sorted({*range(0, 140, 3), *range(140, len(whole) - 20, 97)}):
        (tmp_path / name).write_bytes(whole[:length])
        assert name in str(refused(tmp_path, kind="image", file=name, **CORNERS))


def test_damaged_pictures(tmp_path):
    """Either it is refused by name, or what was damaged does not matter."""
    Image.fromarray(levels()).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    outcomes = set()
    for place in range(len(whole)):
        (tmp_path / "a.png").write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            image(tmp_path, "a.png")
            outcomes.add("read")
        except InputError as error:
            assert "a.png" in str(error)
            outcomes.add("refused")
    assert "refused" in outcomes


def test_a_damaged_header(tmp_path):
    """Python's tokenizer meets what numpy cannot split."""
    np.save(tmp_path / "a.npy", np.ones((3, 3)))
    whole = (tmp_path / "a.npy").read_bytes()
    for old, new in ((b"}", b"("), (b"'shape'", b'"""ape"'), (b"(3, 3)", b"(3, -3)")):
        assert old in whole
        (tmp_path / "a.npy").write_bytes(whole.replace(old, new))
        assert "a.npy" in str(refused(tmp_path, kind="image", file="a.npy", **CORNERS))


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("side", [5000, 12_000, 60_000])
def test_a_huge_picture_is_refused_unread(tmp_path, side):
    """A few bytes that promise gigabytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    (tmp_path / "huge.png").write_bytes(content + chunk(b"IEND", b""))
    assert "huge.png" in str(refused(tmp_path, kind="image", file="huge.png", **CORNERS))


def test_files_of_another_kind(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "text.npy").write_text("not an array")
    Image.fromarray(levels()).save(tmp_path / "a.bmp")
    (tmp_path / "bmp.png").write_bytes((tmp_path / "a.bmp").read_bytes())
    np.savez(tmp_path / "a.npz", a=levels())
    (tmp_path / "zip.npy").write_bytes((tmp_path / "a.npz").read_bytes())
    (tmp_path / "folder.png").mkdir()
    for name in ("text.png", "text.npy", "bmp.png", "zip.npy", "folder.png", "none.png", "a.bmp", "a.npz"):
        error = refused(tmp_path, kind="image", file=name, **CORNERS)
        assert error.key == "file" and name in error.message


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"lower": None}, "lower"),
        ({"upper": None}, "upper"),
        ({"lower": [0.0, 0.0, 0.0]}, "lower"),
        ({"upper": [-2.0, 3.0]}, "upper"),
        ({"lower": "left"}, "lower"),
        ({"file": None}, "file"),
        ({"file": 3}, "file"),
        ({"variable": "a"}, "variable"),
        ({"kind": "picture"}, "kind"),
    ],
)
def test_bad_entries(tmp_path, change, key):
    np.save(tmp_path / "a.npy", levels())
    entries = {"kind": "image", "file": "a.npy", **CORNERS} | change
    assert refused(tmp_path, **{name: value for name, value in entries.items() if value is not None}).key == key


@pytest.mark.parametrize(
    "head",
    [
        "[start]\nkind = 'image'\nfile = 'a.png'\nlower = [-1, -1]\nupper = [1, 1]\n",
        "[start]\nkind = 'swiss-roll'\nblur = 0.3\n",
    ],
)
def test_problem_files_take_both(tmp_path, head):
    Image.fromarray(levels()).save(tmp_path / "a.png")
    grid = "[grid]\nlower = [-6, -6]\nupper = [6, 6]\ncells = 24\n"
    force = "[force]\nkind = 'linear'\nmatrix = [[-1, 0], [0, -1]]\n"
    (tmp_path / "p.toml").write_text(f"dimension = 2\ntemperature = 0.5\n{force}{head}[time]\nend = 1.0\n{grid}")
    start = read_problem(tmp_path / "p.toml").start
    if "roll" in head:
        assert start == fp.SwissRoll(blur=0.3)
    else:
        same(start, fp.from_image(levels(), (-1, -1), (1, 1)))
