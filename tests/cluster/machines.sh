# Two machines, as far as mpirun sees: each is a network and a machine's name of its own, and this shell is the router between them. It is
# sourced as root, in network, mount and uts namespaces of its own, by scripts that have a $folder.
mkdir -p /run/netns
mount -t tmpfs none /run/netns
ip link set lo up
number=0
for node in a b; do
    number=$((number + 1))
    ip netns add $node
    ip link add "to-$node" type veth peer name eth0 netns $node
    ip addr add "10.99.$number.1/24" dev "to-$node"
    ip link set "to-$node" up
    ip -n $node link set lo up
    ip -n $node addr add "10.99.$number.2/24" dev eth0
    ip -n $node link set eth0 up
    ip -n $node route add default via "10.99.$number.1"
done
# What is sent from one to the other is lost without a word, as where a switch fails.
cut_network() { echo 0 >/proc/sys/net/ipv4/ip_forward; }
mend_network() { echo 1 >/proc/sys/net/ipv4/ip_forward; }
# limit_network RATE: each receives no more than this, in tc's words, such as 1gbit.
limit_network() { for node in a b; do tc qdisc add dev "to-$node" root tbf rate "$1" burst 256kb latency 50ms; done; }

# In the place of ssh, by which mpirun reaches the second machine.
cat >"$folder/agent" <<'AGENT'
#!/usr/bin/env bash
exec ip netns exec b unshare --uts bash -c "hostname second; ${*:2}"
AGENT
chmod +x "$folder/agent"

# two OPTION...: makes the launcher an mpirun that starts one process on each of them.
two() {
    # shellcheck disable=SC2016
    launcher=(ip netns exec a unshare --uts bash -c 'hostname first; exec "$@"' -
        mpirun "$@" --mca plm_rsh_agent "$folder/agent" --bind-to none --host 10.99.1.2:1,10.99.2.2:1)
}
