"""The lectures' printed tables as data; "lost_in_print" says what they do not show.

DENOISING["autoencoder_mse"] is lecture 20's curve; AUTOENCODER["autoencoder_mse"] is lecture 12's, from the course's public
notebook. MEASURED is what PyTorch 2.13 gave with the lectures' settings and seed 0: with and without lecture 20's penalty,
and with lecture 12's 10 + 3 and 30 + 30 epochs.
"""

from minigrad.experiments.lecture_tables import load_lecture_tables

_TABLES = load_lecture_tables()
DENOISING, AUTOENCODER, MEASURED = (
    _TABLES[name] for name in ("denoising", "autoencoder", "pytorch_2.13_seed_0")
)
