"""SQL: tables, and small functions that load and save the values the rules work on."""
