"""The project around the specs: configuration, budgets, baselines, suppressions, families of networks."""
