"""Nodes: the machines of the inventory, and the expressions that pick some of them."""

from nicassh.nodes.expanding import too_large
from nicassh.nodes.expression import complete, fold, natural, select
from nicassh.nodes.inventory import load
from nicassh.nodes.node import Inventory, Node
from nicassh.nodes.ssh_config import honour

__all__ = ["Inventory", "Node", "complete", "fold", "honour", "load", "natural", "select", "too_large"]
