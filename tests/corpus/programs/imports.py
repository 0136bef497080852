"""A script that imports half of the library, and ends."""

import asyncio
import concurrent.futures
import decimal
import email.message
import http.client
import unittest
import xml.dom.minidom

print(len({asyncio, concurrent.futures, decimal, email.message, http.client, unittest, xml.dom.minidom}))
