"""Write a model file to begin with: the verb, the file's place, and the texts that it is made of."""

from mltk_like.verbs.new.place import place_of
from mltk_like.verbs.new.templates import TEMPLATES
from mltk_like.verbs.new.verb import NewModel, new

__all__ = ["TEMPLATES", "NewModel", "new", "place_of"]
