"""How a line becomes a call: the table of commands, help, completion, click. Quick to load."""
