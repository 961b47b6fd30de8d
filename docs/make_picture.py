"""Draw the picture of the README: ``python docs/make_picture.py`` writes ``docs/_static/speed_accuracy.png``."""

from pathlib import Path

from matplotlib import rc_context

from fpsolve.accuracy import assess
from fpsolve.experiments import SCHEDULES, paper_cases
from fpsolve.plots import save_figure
from fpsolve.plots.drawing import drawing_of
from fpsolve.plots.figures import new_figure
from fpsolve.plots.panels import STYLE, draw_bars, draw_densities, draw_rates
from fpsolve.reverse import generated_fields

PICTURE = Path(__file__).resolve().parent / "_static" / "speed_accuracy.png"
START = "mean"


def main() -> None:
    """Densities of one schedule above, bars of all three and the rates of one below."""
    cases = {name: case for name, case in paper_cases().items() if name.startswith(f"{START}/")}
    drawings = {name: drawing_of(assess(case, generated_fields(case))) for name, case in cases.items()}
    cosine = drawings[f"{START}/cosine"]
    with rc_context(STYLE):
        figure = new_figure(9.6, 5.2)
        top, bottom = figure.subfigures(2, 1, height_ratios=(1.0, 1.2))
        panels = top.subplots(1, len(cosine.instants), sharex=True, sharey=True)
        draw_densities(panels, cosine, titles=True, legend=True)
        top.suptitle("Data diffuse into noise (grey); generation starts from the wrong noise and comes back (orange)")
        left, right = bottom.subplots(1, 2, width_ratios=(1.5, 1.0))
        draw_bars(left, [(name, drawings[f"{START}/{name}"]) for name in SCHEDULES])
        left.set_title("the response η is the same for every schedule, its bounds are not")
        left.set_ylabel("L²/s")
        left.legend(loc="upper left", ncols=3)
        draw_rates(right, cosine, legend=True)
        right.set_title("at every instant (cosine)")
        right.set_ylabel("L²/s²")
    PICTURE.parent.mkdir(exist_ok=True)
    save_figure(figure, PICTURE, dpi=140)


if __name__ == "__main__":
    main()
