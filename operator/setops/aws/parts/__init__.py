"""The kinds of AWS resources, one module each. A product says which of them it is made of."""
