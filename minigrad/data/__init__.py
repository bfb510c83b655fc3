"""Data sets and how they are fed: the IDX reader, MNIST, transforms and DataLoader."""
