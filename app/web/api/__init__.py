"""The JSON door, /api/v1: the same acts as the pages, errors as problem+json."""
