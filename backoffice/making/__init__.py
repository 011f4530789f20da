"""Pages on which staff make and change what is sold: forms that become the API's bodies, and one service call each."""
