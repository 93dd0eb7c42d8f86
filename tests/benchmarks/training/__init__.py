"""How fast and how well the trainer learns, against what else one would take."""
