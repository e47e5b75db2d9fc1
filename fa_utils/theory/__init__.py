"""Beyond the paper: exact solutions, the error law, exact small problems, and draws of FA's error at rest."""
