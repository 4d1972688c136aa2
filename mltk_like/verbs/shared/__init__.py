"""What several verbs are made of. Nothing here knows a verb."""
