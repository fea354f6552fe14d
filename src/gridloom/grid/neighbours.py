"""Systems outside the lower 48 states with which interchange is reported: codes and names.

They occur as ``toba`` of ``interchange-data`` only and report nothing themselves. Source: the API's
facet list of June 2026; ``CFE`` is the code that ``CEN`` had before.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["NEIGHBOURS"]

NEIGHBOURS: Final = MappingProxyType(
    {
        "AESO": "Alberta Electric System Operator",
        "BCHA": "British Columbia Hydro and Power Authority",
        "CAN": "Canada",
        "CEN": "Centro Nacional de Control de Energia",
        "CFE": "Comision Federal de Electricidad",
        "HQT": "Hydro-Quebec TransEnergie",
        "IESO": "Ontario IESO",
        "MEX": "Mexico",
        "MHEB": "Manitoba Hydro",
        "NBSO": "New Brunswick System Operator",
        "SPC": "Saskatchewan Power Corporation",
    }
)
"""Names by code; ``CAN`` and ``MEX`` are EIA's aggregates of the two countries."""
