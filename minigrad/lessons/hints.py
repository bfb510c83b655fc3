"""A sentence for each verdict of the gradient check: what a student may look at."""

HINTS = {
    "sign": "Everything is right but the sign. Which of the terms is subtracted in y?",
    "constant factor": "The form is right, a factor is not: the 2 of a square, the 1/n of a mean?",
    "broadcast": "A value that was repeated in y was used several times: its gradient is the sum over all these uses.",
    "transposed": "Write down the shapes: g has that of y, and each gradient that of its argument. Which matrix must be transposed?",
    "wrong axis": "Along which axis did the function sum? The backward must sum along the same one.",
    "exchanged": "The gradients must come in the order of the arguments.",
    "diagonal": "Each y depends on several x here, so each dL/dx is a sum over several g: a sum along an axis is missing.",
    "mask": "g must pass where the function lets x pass, and stop where it does not: the condition is the wrong way round.",
    "input for output": "This formula is written with y, the value of the function; it was given x.",
    "output for input": "This formula is written with x; it was given y, the value of the function.",
    "missing": "The function does depend on this argument: move it a little, and y moves.",
    "independent": "The derivative alone is not enough: the chain rule multiplies it by g.",
    "nonlinear": "A backward multiplies g by something; it never squares, clips or normalises g.",
    "offset": "Where g is 0, nothing depends on y, and the gradient is 0: something was added that does not contain g.",
    "precision": "Nearly right: an approximation, a rounded constant, or an eps that the function does not have?",
    "count": "Return one gradient for each argument, as a tuple.",
    "shape": "A gradient has the shape of its argument, always.",
    "mutation": "Do not write into g or into the inputs (no +=, no assignment to elements): others still need them. Make a new array.",
    "wrong": "Differentiate once more with pencil and paper, term by term: one is missing, or has a wrong formula.",
}
