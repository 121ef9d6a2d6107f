"""The custom actions that the rules in data/rules name, one module for each kind of step."""
