package main

import (
	"fmt"
	"sync"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/equality"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
)

// parseFlags reads a component's arguments as its own command would.
func parseFlags(name string, args []string, sets ...*pflag.FlagSet) (*pflag.FlagSet, error) {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	flags.Usage = func() {}
	for _, set := range sets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if rest := flags.Args(); len(rest) > 0 {
		return nil, fmt.Errorf("it takes no arguments that are not flags, got %q", rest)
	}
	return flags, nil
}

func flagSets(named cliflag.NamedFlagSets) []*pflag.FlagSet {
	sets := make([]*pflag.FlagSet, 0, len(named.Order))
	for _, name := range named.Order {
		sets = append(sets, named.FlagSets[name])
	}
	return sets
}

var logging struct {
	sync.Mutex
	owner  string
	config logsapi.LoggingConfiguration
}

// applyLogging makes the first component's logging settings those of the process: klog knows only one.
func applyLogging(name string, config *logsapi.LoggingConfiguration, gates featuregate.FeatureGate) error {
	logging.Lock()
	defer logging.Unlock()
	if logging.owner == "" {
		logging.owner = name
		logging.config = *config.DeepCopy()
		logs.InitLogs()
		return logsapi.ValidateAndApply(config, gates)
	}
	if !equality.Semantic.DeepEqual(logging.config, *config) {
		report("%s: its logging flags differ from those of %s, which hold for the whole process", name, logging.owner)
	}
	return nil
}
