#!/bin/sh
echo hm; exit 3
