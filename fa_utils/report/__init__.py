"""What a notebook shows: claims with their verdicts and controls, and figures in one style."""
