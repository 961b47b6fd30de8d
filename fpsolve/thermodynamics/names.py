"""What the variables of a ledger are called: unit, long name, equation."""

from __future__ import annotations

#: name -> (long name, equation)
_LONG = {
    "energy": ("mean energy E[U]", "slides 004"),
    "work": ("work done on the system since the start", "slides 004"),
    "heat": ("heat that entered the system since the start", "slides 004"),
    "work_rate": ("work done on the system per time", "slides 004"),
    "heat_rate": ("heat that enters the system per time", "slides 004"),
    "system_entropy": ("entropy of the system, -E[ln P]", "37"),
    "system_entropy_rate": ("rate of the entropy of the system", "37"),
    "bath_entropy": ("entropy that entered the bath since the start", "38"),
    "bath_entropy_rate": ("rate of the entropy of the bath", "38"),
    "entropy_production": ("entropy production since the start, of system and bath", "40"),
    "entropy_production_rate": ("entropy production rate, the mean of |velocity|^2 / T", "36"),
    "excess": ("excess entropy production (Hatano-Sasa) since the start", "67"),
    "coupling": ("coupling of driving and relaxation since the start", "67"),
    "housekeeping": ("housekeeping entropy production (Maes-Netocny) since the start", "67"),
    "excess_rate": ("excess entropy production rate (Hatano-Sasa)", "67"),
    "coupling_rate": ("coupling of driving and relaxation per time", "67"),
    "housekeeping_rate": ("housekeeping entropy production rate (Maes-Netocny)", "67"),
    "dissipation": ("dissipation T S' since the start", "36"),
    "dissipation_rate": ("dissipation rate T S'", "36"),
    "free_energy": ("free energy of the density, E[U] - T S", ""),
    "equilibrium_free_energy": ("free energy of the instantaneous equilibrium, -T ln Z", "47-50"),
    "divergence": ("relative entropy to the instantaneous equilibrium", "39"),
    "divergence_from_reference": ("relative entropy to the reference", "39"),
    "fisher_information": ("Fisher information of the density", ""),
    "v1": ("speed in the 1-Wasserstein distance, the mean of |velocity|", "slides"),
    "v2": ("speed in the 2-Wasserstein distance", "66"),
    "projection": ("rate of the mean of the optimal observable, the potential of the flow", "75-76"),
    "action": ("integral of the squared speed since the start", "68"),
    "path_length": ("path length since the start", "68"),
    "W2": ("2-Wasserstein distance between start and end", "53"),
    "temperature": ("temperature", "1"),
    "mean": ("mean of the position", ""),
    "variance": ("variance of the position", ""),
    "covariance": ("covariance of x and y", ""),
    "mean_rate": ("rate of the mean", "73"),
    "second_moment": ("E[x^2]", "73"),
    "second_moment_rate": ("rate of E[x^2]", "73"),
    "grid_energy": ("energy at the centres", "slides 004"),
    "grid_work": ("work of the jump process since the start, switch before each jump", "slides 004"),
    "grid_heat": ("heat of the jump process since the start", "slides 004"),
    "grid_system": ("change of the system's entropy on the grid", "37"),
    "grid_bath": ("entropy that entered the bath of the jump process", "38"),
    "grid_dissipated": ("sum over steps of dt times Schnakenberg's rate at their ends", "36"),
    "grid_relative": ("sum over steps of D(m_n || m_n+1)", ""),
    "grid_entropy_production_rate": ("Schnakenberg's entropy production rate", "36"),
    "grid_system_entropy_rate": ("rate of the system's entropy on the grid", "37"),
    "grid_bath_entropy_rate": ("rate of the bath's entropy on the grid", "38"),
    "grid_gross_rate": ("sum of the moduli of all terms of these rates", ""),
    "grid_first_law_residual": ("largest residual of the first law in a step", "slides 004"),
    "grid_step_residual": ("largest residual of the second law of backward Euler in a step", "36"),
}


def described(name: str) -> dict[str, str]:
    """Attributes of a variable of a ledger."""
    if name.endswith("_error"):
        return {"units": "1", "long_name": "error bar: " + described(name.removesuffix("_error"))["long_name"]}
    if name.startswith("speed_"):
        return {"units": "1", "long_name": f"speed of the observable {name.removeprefix('speed_')}", "equation": "73"}
    base, _, axis = name.rpartition("_") if name[-2:] in ("_x", "_y") else (name, "", "")
    long_name, equation = _LONG[base]
    entries = {"units": "1", "long_name": f"{long_name} along {axis}" if axis else long_name}
    return entries | ({"equation": equation} if equation else {})
