#!/bin/sh
echo why; exit 77
