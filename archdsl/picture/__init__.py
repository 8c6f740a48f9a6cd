"""Pictures of networks: what is to be seen at a folding (the plan), where it stands (placing), and files of both."""
