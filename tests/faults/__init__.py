"""What using it revealed: for every reported fault the right value, which the commit before the mending does not give.

Each test is marked with the fault's number, its cause in a line and the siblings that the same cause made wrong
(``faults.fault``). It reads the project only as users do, by commands and by ``import archdsl``, so that
``python tools/faults.py --at COMMIT`` can run it with an older commit's package.
"""
