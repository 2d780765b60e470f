var verifJSON={"columns":["Component", "Invocations", "Latency (min,max,avg)", "II (min,max,avg)"], "functions":[{"name":"tagger", "data":[10, "30,34,31", "5,6,5"]}]};
