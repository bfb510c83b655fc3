"""The two lectures as programs: networks, training, records and pictures."""
