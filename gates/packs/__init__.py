"""Built-in policies as YAML beside this file. Nothing here reads them: the caller hands them in."""
