"""The user's Changeset and the history of the Stage. Commands of the language end up here, in
`staging`."""
