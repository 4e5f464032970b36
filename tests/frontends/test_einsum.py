"""Equations: made explicit so that NumPy gives the declared shapes, or refused by name."""

import numpy as np
import pytest

from hgq2rtl.frontends.einsum import (
    BadEquation,
    UnsupportedEquation,
    bias_shape,
    label_sizes,
    parse_equation,
)


@pytest.mark.parametrize(
    ("text", "data", "declared", "explicit", "kernel", "output", "axes", "bias"),
    [
        ("bc,cd->bd", (4,), [3], "bc,cd->bd", (4, 3), (3,), "d", (3,)),
        ("abc,cd->abd", (5, 4), [None, 3], "abc,cd->abd", (4, 3), (5, 3), "d", (3,)),
        ("abc,cd->abd", (5, 4), [5, 3], "abc,cd->abd", (4, 3), (5, 3), "bd", (5, 3)),
        ("abc,bd->adc", (5, 4), [3, 4], "abc,bd->adc", (5, 3), (3, 4), "d", (3, 1)),
        ("abc,cd->ad", (5, 4), [3], "abc,cd->ad", (4, 3), (3,), "d", (3,)),
        ("ab,b->ab", (4,), [4], "ab,b->ab", (4,), (4,), "b", (4,)),
        ("...x,xy->...y", (4,), [3], "ax,xy->ay", (4, 3), (3,), "y", (3,)),
        ("...x,xy->...y", (2, 5, 4), [3], "abcx,xy->abcy", (4, 3), (2, 5, 3), "y", (3,)),
        ("...bx,xy->...by", (2, 5, 4), [5, 3], "acbx,xy->acby", (4, 3), (2, 5, 3), "by", (5, 3)),
        ("ab...,bc->ac...", (4, 5, 2), [3], "abde,bc->acde", (4, 3), (3, 5, 2), "c", (3, 1, 1)),
        (
            "Babc,bcd->Babd",
            (2, 5, 4),
            [2, 5, 3],
            "Babc,bcd->Babd",
            (5, 4, 3),
            (2, 5, 3),
            "bd",
            (5, 3),
        ),
    ],
)
def test_equations_and_the_shapes_that_they_call_for(
    text, data, declared, explicit, kernel, output, axes, bias
):
    equation = parse_equation(text, rank=len(data) + 1)
    sizes = label_sizes(equation, data, declared)
    assert str(equation) == explicit
    assert tuple(sizes[x] for x in equation.kernel) == kernel
    assert tuple(sizes[x] for x in equation.output[1:]) == output
    assert bias_shape(equation, axes, sizes) == bias
    result = np.einsum(str(equation), np.zeros((7, *data)), np.zeros(kernel))
    assert result.shape == (7, *output)
    assert (result + np.zeros(bias)).shape == (7, *output)


@pytest.mark.parametrize(
    ("text", "rank", "told"),
    [
        ("bi,io", 2, "is none of the forms"),
        ("bi,io->", 2, "is none of the forms"),
        ("bi, io -> bo", 2, "is none of the forms"),
        ("bi,io,oj->bj", 2, "is none of the forms"),
        ("b...i,io->b...o", 3, "is none of the forms"),
        ("...,i->...i", 2, "is none of the forms"),
        ("b1,1o->bo", 2, "is none of the forms"),
        ("bc,cd->bd", 3, "takes data of 2 axes, the batch included, where the input has 3"),
        ("bcd,de->bce", 2, "takes data of 3 axes"),
        ("...bc,cd->...bd", 2, "takes data of at least 3 axes"),
        ("ab,bcd->ac", 2, "names a kernel axis that is neither in the data nor in the output"),
        ("ab,bc->acd", 2, "names an output axis that is neither in the data nor in the kernel"),
        ("...b,bc->...c", 80, "would need 79 more labels"),
    ],
)
def test_equations_that_contradict_themselves(text, rank, told):
    with pytest.raises(BadEquation, match=told):
        parse_equation(text, rank)


@pytest.mark.parametrize(
    "text", ["bi,ii->bi", "bii,io->bo", "bi,io->boo", "bi,bio->bo", "bi,io->ob"]
)
def test_equations_without_a_form_here(text):
    with pytest.raises(UnsupportedEquation):
        parse_equation(text, 3 if "bii" in text else 2)


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ([3], "has 2 output axes where output_shape has 1"),
        ([6, 3], "gives axis 'b' size 5 by the data and 6 by output_shape"),
        ([5, None], "leaves the size of output axis 'd' open"),
    ],
)
def test_sizes_that_do_not_fit(declared, told):
    with pytest.raises(BadEquation, match=told):
        label_sizes(parse_equation("abc,cd->abd", 3), (5, 4), declared)


@pytest.mark.parametrize("axes", ["", "a", "c", "dz"])
def test_bias_axes_that_the_output_lacks(axes):
    equation = parse_equation("abc,cd->abd", 3)
    with pytest.raises(BadEquation, match="has no output axes"):
        bias_shape(equation, axes, {"b": 5, "c": 4, "d": 3})
