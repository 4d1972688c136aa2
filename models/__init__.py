"""The models that come with mltk_like, one in a file. `mltk_like models` lists them."""
