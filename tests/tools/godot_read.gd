# Prints what the animation of res://a.glb does at given times, as one line of JSON behind "JSON:".
# godot3-server --path PROJECT -s godot_read.gd TIMES_JSON
extends SceneTree


func player_in(node):
	if node is AnimationPlayer:
		return node
	for child in node.get_children():
		var found = player_in(child)
		if found != null:
			return found
	return null


func _init():
	var times = parse_json(OS.get_environment("TIMES")) 
	var player = player_in(load("res://a.glb").instance())
	var animation = player.get_animation(player.get_animation_list()[0])
	var result = {"length": animation.length, "at": []}
	for time in times:
		var shapes = {}
		var bones = {}
		for track in animation.get_track_count():
			var path = animation.track_get_path(track)
			if animation.track_get_type(track) == Animation.TYPE_VALUE:
				var name = path.get_concatenated_subnames()
				var node = str(path).split(":")[0]
				if not shapes.has(node):
					shapes[node] = {}
				var before = max(animation.track_find_key(track, time), 0)
				var after = min(before + 1, animation.track_get_key_count(track) - 1)
				var from = animation.track_get_key_time(track, before)
				var step = animation.track_get_key_time(track, after) - from
				var part = clamp((time - from) / step, 0, 1) if step > 0 else 0.0
				var a = animation.track_get_key_value(track, before)
				var b = animation.track_get_key_value(track, after)
				shapes[node][name.replace("blend_shapes/", "")] = a + (b - a) * part
			elif animation.track_get_type(track) == Animation.TYPE_TRANSFORM:
				var rotation = animation.transform_track_interpolate(track, time)[1]
				bones[str(path)] = [rotation.x, rotation.y, rotation.z, rotation.w]
		result["at"].append({"shapes": shapes, "bones": bones})
	print("JSON:" + to_json(result))
	quit()
