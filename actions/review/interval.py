"""How far a measured share can be trusted."""

from __future__ import annotations

import math

Z95 = 1.959963984540054


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95% score interval of a share; (0, 1) when nothing was counted.

    Source: E. B. Wilson, JASA 22 (1927) 209-212.
    """
    if of == 0:
        return 0.0, 1.0
    share, z2 = hits / of, Z95 * Z95
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low = 0.0 if hits == 0 else middle - half
    high = 1.0 if hits == of else middle + half
    return low, high
