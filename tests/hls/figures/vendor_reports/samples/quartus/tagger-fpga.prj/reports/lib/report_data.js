var loopsJSON={"children":[]};
var areaJSON={
  "columns":["", "ALUTs", "FFs", "RAMs", "DSPs", "MLABs", "Details"],
  "type":"module",
  "total_percent":[1.5, 0.7, 0.4, 0.1, 0.6, 0.2],
  "total":[6543, 8765, 11, 9, 20],
  "name":"Kernel " + "System",
  'max_resources':[854400, 1708800, 2713, 1518, 0],
  "debug_enabled":true,
  "children":[]
};
var fileJSON=[{"path":"tagger.cpp", "content":"#define X \"{\" // }\n"}];
