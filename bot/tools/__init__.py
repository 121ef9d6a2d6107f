"""Tools that need a trained model and nothing else of the running system."""
