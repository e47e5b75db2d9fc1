"""Other papers, a module each: import the one you need."""
