import Glibc
import Simulator

/// Seeds of the simulator from the command line.
func simulate() {}

simulate()
