"""What all commands need. Contains no command, and imports no other package of the command line."""
