"""The two lectures as programs: their networks, training, the folder that a run writes, its pictures and its report."""
