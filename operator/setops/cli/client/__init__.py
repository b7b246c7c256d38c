"""The program itself: where it acts, who the user is, its version."""
