"""The lectures' printed tables as data; "lost_in_print" says what the slides and the transcripts do not show.

DENOISING["autoencoder_mse"] is lecture 20's curve, AUTOENCODER what is spoken of lecture 12's. MEASURED is
what PyTorch 2.13 gave at the presets' settings and seed 0, with and without lecture 20's penalty.
"""

from minigrad.experiments.pictures import load_lectures

_TABLES = load_lectures()
DENOISING, AUTOENCODER, MEASURED = (
    _TABLES[name] for name in ("denoising", "autoencoder", "pytorch_2.13_seed_0")
)
