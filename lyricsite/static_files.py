"""Static files as a server collects them: under hashed names, which our own script modules call each other by."""

from whitenoise.storage import CompressedManifestStaticFilesStorage

IMPORT_OF_NEIGHBOUR = (r"""(?P<matched>from ["'](?P<url>\./[^"']+\.js)["'])""", 'from "%(url)s"')


class ModuleStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """A module of ``js/`` finds the ones that it imports, whose names change with their content as every file's do.

    Django's own switch for this reads the comments of installed packages too, and fails at what they name.
    """

    patterns = (*CompressedManifestStaticFilesStorage.patterns, ("js/*.js", (IMPORT_OF_NEIGHBOUR,)))
