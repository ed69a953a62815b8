"""A server for scenarios: tells who connects to the socket that is its standard input its name."""

import socket
import sys

server = socket.socket(fileno=0)
while True:
    connection, _ = server.accept()
    connection.sendall(sys.argv[1].encode())
    connection.close()
