"""The verb `import_mltk`."""

from mltk_like.verbs.import_mltk.ledger import Item
from mltk_like.verbs.import_mltk.verb import ImportedModel, import_mltk

__all__ = ["ImportedModel", "Item", "import_mltk"]
