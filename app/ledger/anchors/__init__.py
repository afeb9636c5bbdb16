"""Where the newest checkpoint is put, so that who can change the database cannot change it too."""
