"""Teachers that hear more than the net: small heads on Google's speech embedding, and what they say of each window.

A head of 64 units on an embedding that was learned on very many people tells a keyword from other speech far better
than a net for a microcontroller that saw a few hours (arXiv:2002.01322, section 4). It cannot run there, but the net
can learn its answers. Embeddings cost more than the front end does, so they are made once, for a stock of windows that
the net's training then goes through again and again.
"""
