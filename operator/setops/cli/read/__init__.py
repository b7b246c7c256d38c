"""Commands that show the committed state. They read resources as plain JSON and load no model."""
