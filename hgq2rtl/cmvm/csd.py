"""Canonical signed digits: the fewest non-zero digits of {-1, 0, 1}.

Reitwiesner, "Binary Arithmetic", Advances in Computers 1 (1960), 231-308.
"""

from __future__ import annotations


def signed_digits(number: int) -> list[tuple[int, int]]:
    """``(shift, sign)`` of every non-zero digit, lowest first.

    >>> signed_digits(7), signed_digits(-6)
    ([(0, -1), (3, 1)], [(1, 1), (3, -1)])
    """
    digits = []
    shift = 0
    while number:
        if number & 1:
            sign = 2 - (number & 3)  # 1 after a 0, -1 after a 1: no two neighbours
            digits.append((shift, sign))
            number -= sign
        number >>= 1
        shift += 1
    return digits
