"""Secrets at rest: encrypted under a key that is not in the database (Fernet).

Who has a copy of the database can neither sign in our name nor post to somebody's channel. The
key file may hold several keys, one a line: the first encrypts, all of them decrypt.
"""

from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.ledger.keys import create_once, read_key
from app.settings import Settings, SettingsError

SECRETS_KEY_NAME: Final = "clearance-secrets.key"


class Vault:
    """Encrypts and decrypts; opened when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._keys = _keys(settings)

    def locked(self, text: str) -> bytes:
        """The text, encrypted and authenticated."""
        return self._keys.encrypt(text.encode())

    def opened(self, token: bytes) -> str:
        """The text again; SettingsError where it was encrypted under another key."""
        try:
            return self._keys.decrypt(token).decode()
        except InvalidToken:
            raise SettingsError(
                "A stored secret cannot be read with this key: give back the old key as a "
                "further line of CLEARANCE_SECRETS_KEY_FILE."
            ) from None


def _keys(settings: Settings) -> MultiFernet:
    path = settings.secrets_key_file
    if path is None:
        if not settings.is_sqlite:
            raise SettingsError(
                "On PostgreSQL the key for secrets must be given, because replicas share it. Make "
                'one with: python -c "from cryptography.fernet import Fernet; '
                'print(Fernet.generate_key().decode())" > secrets.key '
                "and name it in CLEARANCE_SECRETS_KEY_FILE."
            )
        path = settings.key_directory / SECRETS_KEY_NAME
        create_once(path, "secrets key", Fernet.generate_key)
    lines = read_key(path, "secrets key").split()
    try:
        return MultiFernet([Fernet(line) for line in lines])
    except ValueError:
        raise SettingsError(f"{path} does not hold Fernet keys, one a line.") from None
