"""What every command needs; no command itself. Imports no other package of the command line."""
