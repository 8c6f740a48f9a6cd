"""What a project asks beyond one spec: configuration, budgets, baselines, suppressions, families of networks."""
