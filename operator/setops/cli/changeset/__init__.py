"""The user's Changeset and the history of the Stage. Commands of the language are staged here."""
