#!/bin/sh
# Runs in the machine as its user: the committed tree becomes ~/rehearse, built.
set -eu
cd "$HOME"
if [ -d rehearse/.git ]; then
    git -C rehearse fetch -q "$HOME/rehearse.git" HEAD
    git -C rehearse checkout -q --detach FETCH_HEAD
else
    git clone -q rehearse.git rehearse
fi
cd rehearse
sudo apt-get -qq update
scripts/install-deps run
make
sudo make install
rehearse --version
