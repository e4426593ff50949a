"""Nodes: the machines of the inventory, and the expressions that pick some of them."""

from nicassh.inventory.expanding import too_large
from nicassh.inventory.expression import complete, fold, natural, select
from nicassh.inventory.node import Inventory, Node
from nicassh.inventory.reading import load
from nicassh.inventory.ssh_config import apply_ssh_config

__all__ = ["Inventory", "Node", "apply_ssh_config", "complete", "fold", "load", "natural", "select", "too_large"]
